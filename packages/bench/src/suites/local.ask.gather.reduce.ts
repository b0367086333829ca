import { gathering, reduce } from "../troupe/gather.ts"

export default gathering(reduce, { params: { face: "Ask.reduce" } })
