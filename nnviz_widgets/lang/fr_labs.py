"""French strings of the checks of labs."""

TEXT: dict[str, str] = {
    # tous les travaux
    "lab_passed": "{name} : juste.",
    "lab_nothing": "{name} ne rend rien (None) : finit-elle par return ?",
    "lab_scaled": "{name} donne {factor} fois ce qu’il faut : cherchez un facteur, comme une moyenne au lieu d’une somme.",
    "lab_differs": "{name} donne {yours} en {place}, où il faudrait {wanted} ; c’est là que l’écart est le plus grand.",
    "lab_input_changed": "{name} modifie sur place le x qu’on lui donne : travaillez sur une copie, x.detach().clone().",
    "lab_second_call": "{name} donne autre chose quand on l’appelle de nouveau : les gradients s’additionnent dans x.grad, ou autre chose reste d’un appel à l’autre. Travaillez sur une copie, x.detach().clone().",
    "lab_hook_left": "{name} laisse un crochet (hook) sur le module : gardez ce que rend register_..._hook et appelez .remove(), dans un finally.",
    "lab_parts_changed": "{name} remplace des parties du module et ne les remet pas : qui s’en sert ensuite reçoit aussi votre règle.",
    "lab_mode_changed": "{name} change le mode du module : n’appelez ici ni train() ni eval().",
    "lab_weights_changed": "{name} modifie les poids du module.",
    "lab_weights_gradient": "{name} laisse des gradients sur les poids : backward() remplit aussi le .grad de chaque paramètre. torch.autograd.grad(score, x) ne donne que celui de x.",
    "lab_weights_frozen": "{name} change le requires_grad des poids : laissez-les comme ils sont.",
    # la saillance et les trois règles de la ReLU
    "lab_saliency_softmax": "{name} donne le gradient du softmax et non celui du logit : prenez la sortie du réseau pour la classe {target} telle quelle, sans softmax.",
    "lab_saliency_log_softmax": "{name} donne le gradient du log-softmax (l’entropie croisée) et non celui du logit : prenez la sortie du réseau pour la classe {target} telle quelle.",
    "lab_saliency_top": "{name} donne le gradient de la classe la plus probable : prenez celui de la classe demandée, target ({target} ici).",
    "lab_saliency_all": "{name} donne le gradient de la somme de toutes les classes : choisissez la classe {target} avant de dériver, comme dans module(x)[0, target].",
    "lab_saliency_sign": "{name} donne le gradient avec le mauvais signe : rien n’est une perte ici, dérivez le score lui-même et non son opposé.",
    "lab_saliency_absolute": "{name} donne des valeurs absolues : gardez ici le signe, la valeur absolue vient quand on dessine.",
    "lab_saliency_times_input": "{name} donne le gradient multiplié par l’entrée : ne rendez que le gradient.",
}
