import pickle

import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Cancelled, Superseded, Ticket


def test_a_ticket_settles_once():
    ticket = Ticket(lambda ticket: None)
    ticket.resolve(1)
    ticket.reject(Cancelled())
    ticket.resolve(2)
    assert ticket.done
    assert ticket.result() == 1


@pytest.mark.parametrize("kind", [Superseded, Cancelled])
def test_dropped_jobs_have_a_sentence_and_survive_pickling(kind):
    error = pickle.loads(pickle.dumps(kind()))
    assert type(error) is kind
    assert isinstance(error, NnvizError)
    assert "run it again" in str(error)
