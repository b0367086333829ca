import { through } from "./lib/link.ts"

export default through("pairs", 1)
