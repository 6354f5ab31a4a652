//! Small age files: a secret for one recipient.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use crate::VaultError;

/// Longest age file that a key-wrap block takes.
pub(crate) const MAX_AGE_FILE: usize = 1024;

/// Encrypts `secret` to one recipient.
pub(crate) fn seal(secret: &[u8], recipient: &dyn age::Recipient) -> Result<Vec<u8>, VaultError> {
    let failed = |e| VaultError::Wrap(Box::new(e));
    let io = |e| failed(age::EncryptError::Io(e));
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient)).map_err(failed)?;
    let mut writer = encryptor.wrap_output(Vec::with_capacity(MAX_AGE_FILE)).map_err(io)?;
    writer.write_all(secret).map_err(io)?;
    writer.finish().map_err(io)
}

/// Opens a file that somebody else made; `None` if its contents are longer than `longest`.
pub(crate) fn open(
    file: &[u8],
    identity: &dyn age::Identity,
    longest: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, age::DecryptError> {
    let reader = age::Decryptor::new_buffered(file)?.decrypt(std::iter::once(identity))?;
    // Room from the start: a growing buffer would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 1));
    reader.take(longest as u64 + 1).read_to_end(&mut bytes).map_err(age::DecryptError::Io)?;
    Ok((bytes.len() <= longest).then_some(bytes))
}
