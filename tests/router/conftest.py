import pytest

from .support import make_client


@pytest.fixture
def client(backend):
    return make_client(backend)
