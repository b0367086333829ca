import { effectful, pingPong } from "../troupe/pingPong.ts"

export default pingPong(effectful, { face: "ctx.send", handler: "Effect.sync" })
