"""What a SAM's encoder saw in pictures, kept so that it looks at each part of a picture once."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable

import torch
from torch import Tensor

from ...context import TensorCache
from .frame import Frame
from .model import Features, Sam


def picture_hash(picture: Tensor) -> str:
    """A text that tells the picture's content, to the last bit of its float32 values, and its shape from any other."""
    values = picture.detach().to("cpu", torch.float32).contiguous()
    told = hashlib.blake2b(repr(tuple(values.shape)).encode(), digest_size=16)
    told.update(values.numpy().data)
    return told.hexdigest()


class Encoder:
    """Encodes parts of pictures, or takes from the cache what was seen in them before; counts its runs.

    identity: of the weights, where their file tells it; else they count as others than those of any other load.
    """

    def __init__(self, sam: Sam, embeddings: TensorCache | None, identity: Hashable) -> None:
        self.sam, self.embeddings = sam, embeddings or TensorCache()
        self.identity = sam.identity if identity is None else identity
        self.runs = 0

    def look(self, picture: Tensor, content: str, frame: Frame) -> Features:
        """The features of a part of the picture ``[3,H,W]``, whose `picture_hash` is `content`."""
        key = (self.identity, content, frame.window)
        embedding, details = self.embeddings.get((*key, "embedding")), self.embeddings.get((*key, "details"))
        if embedding is None or (details is None and self.sam.plan.early):
            self.runs += 1
            seen = self.sam.encode(frame.fit(picture.to(self.sam.device)))
            embedding, details = seen.embedding, seen.details
            # Kept on the CPU: a graphics card has better uses for its memory, and the way there is short.
            self.embeddings.put((*key, "embedding"), embedding.cpu())
            if details is not None:
                self.embeddings.put((*key, "details"), details.cpu())
        device = self.sam.device
        return Features(embedding.to(device), None if details is None else details.to(device))
