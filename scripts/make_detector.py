"""Makes the default detector out of the file that an npm package carries.

  make_detector.py PACKED_ASSETS OUT_DIR

PACKED_ASSETS is `objectron_solution_packed_assets.data` of the npm package `@mediapipe/objectron`
0.4.1675468480 (Apache-2.0): a label map, then a TensorFlow Lite model. Writes into OUT_DIR
`ssd_mobilenetv2_oidv4.onnx` and `ssd_mobilenetv2_oidv4.labels.txt`, the same bytes on every run, after
the model has answered once in ONNX Runtime. Needs the packages of scripts/make_detector.requirements.txt;
scripts/setup.sh calls it in an environment of its own that it throws away afterwards.

The model: input `normalized_input_image_tensor` [1, 3, 300, 300], RGB, -1 to 1. Outputs
`raw_outputs/box_encodings` [1, 1917, 4] (y, x, height, width against the SSD anchors) and
`raw_outputs/class_predictions` [1, 1917, 24] (before the sigmoid; column i is line i of the label
file, column 0 the background). The weights are float16 in the source and float32 here: nothing is
left to fold, ONNX Runtime fuses convolution and clip itself when it loads the file.
"""

import hashlib
import logging
import os
import pathlib
import sys
import tempfile
import warnings

NAME = "ssd_mobilenetv2_oidv4"
LABELS = slice(0, 184)
MODEL = slice(184, 9987912)
MODEL_SHA256 = "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6"
INPUT = ("normalized_input_image_tensor", [1, 3, 300, 300])
OUTPUTS = [("raw_outputs/box_encodings", [1, 1917, 4]), ("raw_outputs/class_predictions", [1, 1917, 24])]


def convert(tflite, scratch):
    """The model as ONNX, in an order that does not depend on Python's hash seed."""
    logging.disable(logging.WARNING)  # "float16 not supported/tested yet", once a tensor: checked below
    warnings.simplefilter("ignore")
    import onnx
    import tflite2onnx

    source, target = scratch / "in.tflite", scratch / "out.onnx"
    source.write_bytes(tflite)
    tflite2onnx.convert(str(source), str(target))
    model = onnx.load(str(target))
    for parts in (model.graph.initializer, model.graph.value_info):
        ordered = sorted(parts, key=lambda part: part.name)
        del parts[:]
        parts.extend(ordered)
    model.graph.name = NAME
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def check(onnx_bytes):
    """Loads the result and runs it once: shapes as written above, and numbers in every place."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])
    inputs = [(part.name, part.shape) for part in session.get_inputs()]
    outputs = [(part.name, part.shape) for part in session.get_outputs()]
    if inputs != [INPUT] or outputs != OUTPUTS:
        sys.exit(f"make_detector: the converted model has inputs {inputs} and outputs {outputs}")
    grey = numpy.zeros(INPUT[1], numpy.float32)
    for (name, _), values in zip(OUTPUTS, session.run(None, {INPUT[0]: grey})):
        if not numpy.isfinite(values).all():
            sys.exit(f"make_detector: {name} holds values that are no numbers")


def write_whole(path, data):
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    assets, out = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2])
    tflite = assets[MODEL]
    found = hashlib.sha256(tflite).hexdigest()
    if found != MODEL_SHA256:
        sys.exit(f"make_detector: the model in {sys.argv[1]} has sha256 {found}, expected {MODEL_SHA256}")
    with tempfile.TemporaryDirectory() as scratch:
        onnx_bytes = convert(tflite, pathlib.Path(scratch))
    check(onnx_bytes)
    write_whole(out / f"{NAME}.labels.txt", assets[LABELS])
    write_whole(out / f"{NAME}.onnx", onnx_bytes)


if __name__ == "__main__":
    main()
