import { through } from "../rings/rings.ts"

export default through({ producers: 1, batch: 1, topology: "diamond" })
