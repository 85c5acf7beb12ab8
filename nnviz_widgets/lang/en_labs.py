"""English strings of the checks of labs."""

TEXT: dict[str, str] = {
    # any lab
    "lab_passed": "{name}: right.",
    "lab_nothing": "{name} returns nothing (None): does it end with return?",
    "lab_scaled": "{name} gives {factor} times what it should: look for a factor, such as a mean instead of a sum.",
    "lab_differs": "{name} gives {yours} at {place}, where it should give {wanted}; that is where it differs most.",
    "lab_input_changed": "{name} changes the x that it is given in place: work on a copy, x.detach().clone().",
    "lab_second_call": "{name} gives something else when it is called again: gradients add up in x.grad, or something else is kept between calls. Work on a copy, x.detach().clone().",
    "lab_hook_left": "{name} leaves a hook on the module: keep what register_..._hook returns and call .remove() on it, in a finally.",
    "lab_parts_changed": "{name} replaces parts of the module and does not put them back: whoever uses it afterwards gets your rule too.",
    "lab_mode_changed": "{name} changes the mode of the module: neither train() nor eval() is yours to call here.",
    "lab_weights_changed": "{name} changes the weights of the module.",
    "lab_weights_gradient": "{name} leaves gradients on the weights: backward() fills every parameter's .grad too. torch.autograd.grad(score, x) gives the one of x alone.",
    "lab_weights_frozen": "{name} changes requires_grad of the weights: leave them as they are.",
    # saliency and the three ReLU rules
    "lab_saliency_softmax": "{name} gives the gradient of the softmax, not of the logit: take the network's output for class {target} as it is, without softmax.",
    "lab_saliency_log_softmax": "{name} gives the gradient of the log-softmax (the cross-entropy loss), not of the logit: take the network's output for class {target} as it is.",
    "lab_saliency_top": "{name} gives the gradient of the most probable class: take that of the class asked for, target ({target} here).",
    "lab_saliency_all": "{name} gives the gradient of the sum of all classes: choose class {target} before you differentiate, as in module(x)[0, target].",
    "lab_saliency_sign": "{name} gives the gradient with the wrong sign: nothing is a loss here, differentiate the score itself, not its negative.",
    "lab_saliency_absolute": "{name} gives absolute values: keep the sign here, the absolute value comes when it is drawn.",
    "lab_saliency_times_input": "{name} gives gradient times input: return the gradient alone.",
}
