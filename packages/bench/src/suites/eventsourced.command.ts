import { command } from "../storage/command.ts"

export default command
