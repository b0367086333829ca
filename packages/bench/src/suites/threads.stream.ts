export { streamingFromWorker as default } from "../troupe/handling.ts"
