"""French strings of neighbours and maps of pictures."""

TEXT = {
    "own_picture": "Votre image",
    "own_picture_away": "Sans elle",
    "own_picture_away_tip": "Retirer votre image",
    "metric": "Distance",
    "metric_tip": "Comment les vecteurs sont comparés : par leur différence, ou par l’angle entre eux",
    "metric_euclidean": "euclidienne",
    "metric_cosine": "cosinus",
    "metric_euclidean_of": "distance euclidienne",
    "metric_cosine_of": "distance cosinus",
    "embedding_pooled": "vecteurs de {layer} : {units} nombres, moyennes spatiales de ses cartes",
    "embedding_plain": "vecteurs de {layer} : {units} nombres tels quels",
    # voisins
    "another_five": "Cinq autres",
    "another_five_tip": "Cinq autres images, tirées au sort",
    "neighbours_title": "Des images et leurs {nearest} plus proches voisines, selon la {metric}",
    "neighbours_same": "même classe (✓) : {same} sur {count} montrées",
    "neighbours_whole": "sur tout l’ensemble {percent} %",
    "neighbours_hover": "{name} · distance {distance} · {id}",
    "neighbours_reference": "{name} · {id}",
}
