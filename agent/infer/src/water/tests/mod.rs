mod mask;
mod overlay;
