import { askingInside } from "../troupe/insideAsking.ts"
import { withCycles } from "../troupe/observed.ts"

export default withCycles(askingInside({ face: "yield* ask, within a handler", handler: "plain" }))
