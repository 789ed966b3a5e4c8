"""What runs on the other side: these files are copied beside the submission and started by another interpreter.

They use the standard library and NumPy only, import each other by their bare names, and know nothing of Pellucid.
Before them: `..start` starts `__main__`. After them: `..answer` reads what `runner` wrote.
"""
