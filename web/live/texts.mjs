// Everything that a user of the live previews reads.

/** @typedef {Record<keyof typeof TEXTS, string>} Texts */

export const TEXTS = {
  toggle: "Live preview",
  toggle_hint: "Show what the settings do, while they change",
  view: "What the preview shows",
  over_photo: "over the photo",
  matte: "the mask",
  cut_out: "cut out",
  mask_label: "The grown and feathered mask",
  layers_label: "The blended layers",

  run_once: "Run once to see the preview.",
  loading: "Loading…",
  live: "Live, at {width} × {height}.",
  first_of: "The first of {count} is shown.",
  beyond: "Values above 1 end at 1 here; the result keeps them.",
  still: "What the last run gave: {reason} Run to see.",
  unreadable: "The pictures of the last run cannot be loaded. Run to see.",

  no_webgl: "this browser has no WebGL2 for a live preview.",
  lost: "the browser has taken the graphics away for now.",
  wired: "“{name}” comes over a wire.",
  no_profile: "the profile “{profile}” has no live preview.",
  too_far: "grow or feather goes beyond the node's limit.",
  no_mode: "the mode “{mode}” has no live preview.",
  no_operator: "the operator “{operator}” has no live preview.",
  not_together: "this mode, operator and space do not go together.",
  other_fit: "the layer was fitted in another way.",
  other_alpha: "alpha was kept in another way.",
  large_layer: "the layer is too large for a live preview.",
}
