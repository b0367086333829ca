import { tellingFromWorker } from "../troupe/threads.ts"

export default tellingFromWorker("default")
