export { timers as default } from "../troupe/handling.ts"
