module shipd.first {
    requires junit;
    requires org.hamcrest;
}
