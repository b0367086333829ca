import { askingInside } from "../troupe/insideAsking.ts"

export default askingInside({ face: "yield* ask, within a handler", handler: "plain" })
