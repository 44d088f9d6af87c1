"""HumanML3D's protocol for models of motion (Guo et al., CVPR 2022): whole clips, scored by its evaluator."""
