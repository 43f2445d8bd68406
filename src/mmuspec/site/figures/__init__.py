"""Figures as SVG text, drawn from what they are given and never by hand.

Colours come from the theme: strokes and text are ``currentColor``, and what is to stand out has
one of the classes of :data:`mmuspec.site.figures.svg.KINDS`.
"""
