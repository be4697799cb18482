"""What `import latentgrid` offers to users: trained runs, and models as estimators.

Nothing below reads this package. What a run's files say is read by `results`, and networks are
trained by `training`.
"""
