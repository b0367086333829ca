export { streaming as default } from "../troupe/handling.ts"
