import { through } from "../rings/rings.ts"

export default through({ producers: 1, batch: 64, topology: "one" })
