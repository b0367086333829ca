import { meanwhile } from "../troupe/inspect.ts"

export default meanwhile
