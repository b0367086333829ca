import * as QueueFiber from "../baselines/QueueFiber.ts"
import { queueFiberTell } from "../baselines/queueFiberTell.ts"

export default queueFiberTell(QueueFiber.takeEach, "Queue.take")
