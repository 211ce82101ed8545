"""RGB to Y′CbCr, as video wants it: BT.601 in limited range, Y 16…235, U and V 16…240 (ITU-R BT.601-7 §2.5.3)."""

# For RGB in 0…1, without the offsets of 16 and 128.
LUMA = (65.481, 128.553, 24.966)
BLUE = (-37.797, -74.203, 112.0)
RED = (112.0, -93.786, -18.214)
