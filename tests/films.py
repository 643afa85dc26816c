"""Films for the tests, from the maker that the simulator uses."""

from bot.devtools.simulator.films import big_film, make_film

__all__ = ["big_film", "make_film"]
