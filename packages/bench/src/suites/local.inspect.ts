import { listing } from "../troupe/inspect.ts"

export default listing
