import { through } from "./lib/link.ts"

export default through("compare-and-swap", 2)
