"""Figure 2: the phase planes of Figure 1 at z = -1: the main model mirrors them, the rectified one does not."""

from figure_1 import draw

if __name__ == "__main__":
    draw(-1.0, "figure_2.png")
