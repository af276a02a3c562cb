from .detect import detect_with_yolo as detect_with_yolo
from .loader import load_yolo as load_yolo
from .model import Yolo as Yolo
