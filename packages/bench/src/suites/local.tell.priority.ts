export { ranked as default } from "../troupe/handling.ts"
