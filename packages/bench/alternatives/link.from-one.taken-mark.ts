import { through } from "./lib/link.ts"

export default through("taken-mark", 1)
