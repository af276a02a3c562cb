// What ComfyUI serves beside the pack; it has no types of its own there.
declare module "*/scripts/app.js" {
  export const app: any
}
declare module "*/scripts/api.js" {
  export const api: any
}
