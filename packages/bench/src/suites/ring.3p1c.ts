import { through } from "../rings/rings.ts"

export default through({ producers: 3, batch: 1, topology: "one" })
