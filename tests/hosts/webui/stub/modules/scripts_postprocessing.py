"""Steps of the Extras tab."""

from . import shared


class PostprocessedImage:
    def __init__(self, image):
        self.image, self.info, self.extra_images, self.nametags = image, {}, [], []
        self.disable_processing = False

    def create_copy(self, new_image, *, nametags=None, disable_processing=False):
        copy = PostprocessedImage(new_image)
        copy.info, copy.nametags = dict(self.info), [*self.nametags, *(nametags or [])]
        copy.disable_processing = disable_processing
        return copy


class ScriptPostprocessing:
    name = None
    order = 1000
    controls = None

    def ui(self):
        return {}

    def process(self, pp, **args):
        pass


def run_steps(steps, picture):
    """What becomes of one picture; nothing where a step has it skipped. steps: (script, its values by name)."""
    first = PostprocessedImage(picture)
    pictures = [first]
    shared.state.skipped = False
    for step, values in steps:
        for one in list(pictures):
            if not one.disable_processing:
                step.process(one, **values)
            pictures += one.extra_images
            one.extra_images = []
    return [] if shared.state.skipped else pictures
