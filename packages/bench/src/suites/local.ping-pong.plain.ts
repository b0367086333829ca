import { pingPong, plain } from "../troupe/pingPong.ts"

export default pingPong(plain, { face: "ctx.send", handler: "plain" })
