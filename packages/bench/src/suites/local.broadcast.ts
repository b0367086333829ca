import { broadcasting } from "../troupe/finding.ts"

export default broadcasting("all")
