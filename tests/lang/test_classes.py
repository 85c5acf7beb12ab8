import re

from nnviz_widgets.engine.cifar_net import CIFAR_LABELS
from nnviz_widgets.engine.zoo import spec
from nnviz_widgets.images.samples import SAMPLES
from nnviz_widgets.lang.classes import class_names, set_name

LABELS = spec("efficientnet_lite0")[1]
FRENCH = class_names("fr", LABELS)

SPOTS = {
    0: "tanche",
    1: "poisson rouge",
    6: "pastenague",
    15: "merle d’Amérique",
    21: "milan",
    28: "salamandre maculée",
    34: "tortue luth",
    48: "dragon de Komodo",
    63: "cobra indien",
    76: "mygale",
    80: "tétras lyre",
    90: "loriquet",
    97: "canard mâle",
    103: "ornithorynque",
    113: "escargot",
    130: "flamant rose",
    134: "grue (oiseau)",
    147: "baleine grise",
    153: "bichon maltais",
    163: "chien de Saint-Hubert",
    170: "lévrier irlandais",
    188: "fox-terrier à poil dur",
    207: "golden retriever",
    213: "setter irlandais",
    229: "bobtail",
    235: "berger allemand",
    246: "dogue allemand",
    263: "welsh corgi Pembroke",
    264: "welsh corgi Cardigan",
    281: "chat tigré",
    290: "jaguar",
    297: "ours lippu",
    301: "coccinelle",
    312: "grillon",
    323: "papillon monarque",
    340: "zèbre",
    354: "dromadaire",
    370: "cercopithèque",
    388: "panda géant",
    393: "poisson-clown",
    404: "avion de ligne",
    417: "montgolfière",
    432: "basson",
    454: "librairie",
    458: "plaque commémorative",
    474: "cardigan",
    487: "téléphone portable",
    504: "mug à café",
    517: "grue (engin)",
    529: "couche-culotte",
    546: "guitare électrique",
    566: "cor d’harmonie",
    574: "balle de golf",
    601: "crinoline",
    624: "bibliothèque",
    638: "justaucorps",
    639: "maillot de bain une pièce",
    657: "missile",
    673: "souris d’ordinateur",
    697: "pyjama",
    714: "médiator",
    726: "rabot",
    744: "projectile",
    769: "règle graduée",
    800: "machine à sous",
    812: "navette spatiale",
    836: "verre solaire",
    837: "lunettes de soleil",
    850: "ours en peluche",
    871: "trimaran",
    884: "voûte",
    899: "cruche à eau",
    908: "aile d’avion",
    923: "assiette garnie",
    945: "poivron",
    957: "grenade (fruit)",
    963: "pizza",
    967: "expresso",
    980: "volcan",
    985: "marguerite",
    989: "cynorrhodon",
    998: "épi de maïs",
    999: "papier hygiénique",
}

# Words that the two languages share, or that French has taken over: everything else that is the same is forgotten.
SHARED = [
    "abaya",
    "affenpinscher",
    "agaric",
    "ambulance",
    "axolotl",
    "bagel",
    "banjo",
    "basenji",
    "basset",
    "beagle",
    "bikini",
    "bison",
    "boxer",
    "bulbul",
    "burrito",
    "cardigan",
    "cassette",
    "catamaran",
    "cheeseburger",
    "chiton",
    "coucal",
    "coyote",
    "dhole",
    "dingo",
    "dugong",
    "gazelle",
    "geyser",
    "gibbon",
    "golden retriever",
    "gong",
    "groenendael",
    "guacamole",
    "guillotine",
    "hamster",
    "harmonica",
    "iPod",
    "impala",
    "indri",
    "jacamar",
    "jaguar",
    "jean",
    "jeep",
    "junco",
    "kimono",
    "koala",
    "komondor",
    "kuvasz",
    "limousine",
    "lion",
    "lotion",
    "loupe",
    "lynx",
    "macaque",
    "malinois",
    "maraca",
    "marimba",
    "menu",
    "microphone",
    "minibus",
    "missile",
    "modem",
    "ocarina",
    "orange",
    "oscilloscope",
    "parachute",
    "patas",
    "patio",
    "pizza",
    "poncho",
    "prison",
    "projectile",
    "radio",
    "restaurant",
    "revolver",
    "sarong",
    "schipperke",
    "scorpion",
    "shoji",
    "siamang",
    "ski",
    "sombrero",
    "stupa",
    "titi",
    "toucan",
    "tricycle",
    "trilobite",
    "trimaran",
    "trolleybus",
    "trombone",
    "vase",
    "wallaby",
    "whippet",
    "wok",
    "wombat",
    "yawl",
]


ENGLISH = re.compile(r"\b(the|of|dog|hound|ball|and|wing|house|snake|fish|bird|shop|chair)\b")


def test_a_thousand_names_each_of_one_class():
    assert len(FRENCH) == len(set(FRENCH)) == 1000
    assert len({name.casefold() for name in FRENCH}) == 1000


def test_each_stands_where_its_class_does():
    assert {index: FRENCH[index] for index in SPOTS} == SPOTS


def test_what_is_the_same_in_both_languages_is_a_word_of_both():
    assert sorted(f for f, e in zip(FRENCH, LABELS, strict=True) if f == e) == sorted(SHARED)


def test_a_french_name_is_not_the_english_one_of_another_class():
    english = {label: index for index, label in enumerate(LABELS)}
    assert {n for i, n in enumerate(FRENCH) if english.get(n, i) != i} == set()


def test_they_are_written_as_french_is():
    for name in (*FRENCH, *class_names("fr", CIFAR_LABELS), *class_names("fr", SAMPLES)):
        assert re.fullmatch(r"[a-zA-Zàâçéèêëîïôûœ’-]+( [(]?[a-zA-Zàâçéèêëîïôûœ’-]+[)]?)*", name), name
        assert name[0].islower() or name == "Ford T", name
        assert name == "hot-dog" or not ENGLISH.search(name), name


def test_cifar_and_the_samples():
    assert class_names("fr", CIFAR_LABELS)[3:6] == ("chat", "cerf", "chien")
    assert class_names("fr", SAMPLES) == ("chat", "café", "fusée", "astronaute")


def test_sets_that_have_no_name_of_their_own():
    assert [set_name("fr", name) for name in ("samples", "digits", "my birds")] == ["exemples", "chiffres", "my birds"]
    assert set_name("en", "digits") == "digits"


def test_english_and_what_is_not_known_stay():
    assert class_names("en", LABELS) == LABELS
    own = ("crane", "kite", "cat", "background")
    assert class_names("fr", own) == own
    assert class_names("fr", ()) == ()
    digits = tuple(map(str, range(10)))
    assert class_names("fr", digits) == digits


def test_a_list_with_a_background_or_in_another_order_is_still_imagenet():
    assert class_names("fr", ("background", *LABELS)) == ("background", *FRENCH)
    assert class_names("fr", LABELS[::-1]) == FRENCH[::-1]
