import { sqlite } from "../storage/sqlite.ts"

export default sqlite
