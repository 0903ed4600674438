"""How the default model was made: scenes drawn by a script, an autoencoder and a denoiser taught from them."""
