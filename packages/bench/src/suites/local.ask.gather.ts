import { all, gathering } from "../troupe/gather.ts"

export default gathering(all, { params: { face: "Ask.all" } })
