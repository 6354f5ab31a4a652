"""What OpenCV's MOG2 costs a picture: mog2.py WIDTH HEIGHT FILE, raw 4:2:0 pictures. Prints CPU milliseconds as JSON.

Run by see.py with the Python that has OpenCV. The first round teaches the model and is not counted, as in see_speed.
"""

import json
import sys
import time

import cv2
import numpy

width, height, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
cv2.setNumThreads(1)
raw = numpy.fromfile(path, dtype=numpy.uint8).reshape(-1, height * 3 // 2, width)
# Luma and chroma as Louver sees them; and luma alone, the least that MOG2 can be given.
kinds = {"colour": [cv2.cvtColor(p, cv2.COLOR_YUV2BGR_I420) for p in raw],
         "luma": [numpy.ascontiguousarray(p[:height]) for p in raw]}
found = {}
for kind, pictures in kinds.items():
    model = cv2.createBackgroundSubtractorMOG2()
    for picture in pictures:
        model.apply(picture)
    begun = time.thread_time()
    for picture in pictures:
        model.apply(picture)
    found[kind + "_ms"] = (time.thread_time() - begun) * 1000 / len(pictures)
print(json.dumps({**found, "opencv": cv2.__version__}))
