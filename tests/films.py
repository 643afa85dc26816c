"""Films for the tests, from the maker that the simulator uses."""

from bot.devtools.simulator.films import make_big_film, make_film

__all__ = ["make_big_film", "make_film"]
