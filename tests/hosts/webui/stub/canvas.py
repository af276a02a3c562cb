"""Where a mask is drawn: gradio 3's own sketch, or a canvas with two hidden text boxes, as Forge has on gradio 4."""

import base64
import io

import gradio as gr
from PIL import Image

PREFIX = "data:image/png;base64,"


def canvas(elem_id, tell):
    """The components that hand out the picture and what is drawn on it; `tell` is given each as it is made."""
    if gr.__version__.startswith("3."):
        made = gr.Image(
            label=elem_id, elem_id=elem_id, type="pil", image_mode="RGBA", source="upload", tool="sketch", height=512
        )
        tell(made)
        return [made, gr.Textbox("", visible=False)]  # one component holds both; so that tabs count alike
    tell(gr.HTML("<p>A canvas.</p>", elem_id=elem_id))
    boxes = [picture_box(f"logical_image_{name}") for name in ("foreground", "background")]
    for box in boxes:
        tell(box)
    return boxes[::-1]


def picture_box(name):
    """A hidden text box whose text is a picture."""
    from gradio import component_meta  # of gradio 4 only

    # It would write a file beside this one for every class of components.
    component_meta.create_or_modify_pyi = lambda *args: None

    class PictureBox(gr.Textbox):
        def preprocess(self, payload):
            if not (payload or "").startswith(PREFIX):
                return None
            return Image.open(io.BytesIO(base64.b64decode(payload[len(PREFIX) :]))).convert("RGBA")

        def get_block_name(self):
            return "textbox"

    return PictureBox("", visible=False, label=name, elem_id=f"canvas_{name}", elem_classes=[name])
