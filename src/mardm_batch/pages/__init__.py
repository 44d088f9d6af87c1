"""HTML pages that load nothing from elsewhere: one template, one style, and the figure on a canvas."""
