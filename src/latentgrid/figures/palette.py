"""The colours that tell classes and models apart."""

# Ten hues chosen from the schemes of Tol (2021), "Colour schemes", Okabe and Ito (2008), "Color
# universal design", and Petroff (2021), so that the two most alike are as far apart as can be to
# common sight and to the colour vision deficiencies (as simulated by Machado et al. 2009).
PALETTE = (
    "#4477aa", "#009e73", "#d55e00", "#832db6", "#ccbb44",
    "#66ccee", "#ff8fb0", "#5b2c00", "#332288", "#882255",
)  # fmt: skip
