import { through } from "./lib/link.ts"

export default through("fetch-and-add", 1)
