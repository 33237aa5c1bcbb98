# What `cmake --install` puts where, and the Debian package of it (`./dev package`).
include(GNUInstallDirs)

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # the package needs the program, not the tests

install(TARGETS emotiond)
install(FILES model/pretrained/default.safetensors model/pretrained/emodb.safetensors
        DESTINATION ${CMAKE_INSTALL_DATADIR}/emotiond)
install(FILES docs/man/emotiond.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES completions/emotiond.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME emotiond)
install(FILES packaging/copyright README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
        PATTERN man EXCLUDE PATTERN images EXCLUDE PATTERN adr EXCLUDE)

# Where systemd looks with the prefix /usr, which is the package's.
install(FILES systemd/emotiond.service systemd/emotiond-tcp.socket systemd/emotiond-http.socket
        DESTINATION lib/systemd/system)
install(FILES systemd/user/emotiond.service DESTINATION lib/systemd/user)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME emotiond.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME emotiond.conf)
install(FILES systemd/emotiond.toml DESTINATION /etc/emotiond)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME emotiond)
set(CPACK_PACKAGE_CONTACT "the emotiond authors <emotiond@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The reference BLAS, which libtorch is content with, is ten times slower.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libopenblas0-pthread, init-system-helpers (>= 1.62), systemd (>= 252)")
# How ALSA's default device reaches the sound server of a desktop.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libasound2-plugins)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS bash-completion)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/postinst
    ${PROJECT_SOURCE_DIR}/packaging/prerm
    ${PROJECT_SOURCE_DIR}/packaging/postrm
    ${PROJECT_SOURCE_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
