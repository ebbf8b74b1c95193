#include "auth/key_set.hpp"

#include "auth/base64url.hpp"
#include "auth/openssl.hpp"

#include <tern/schema/parse.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace tern::auth {

namespace {

constexpr std::size_t max_keys = 256;
constexpr int min_modulus_bits = 2048;
constexpr int max_modulus_bits = 8192;
constexpr int max_exponent_bits = 32;

using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Digesting = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

/// The member `name`; nullptr when it is absent or no string.
const json::string* text_at(const json::object& object, std::string_view name) noexcept {
  const json::value* found = object.if_contains(name);
  return found != nullptr ? found->if_string() : nullptr;
}

/// The member `name`; nullptr when it is absent or null.
const json::value* member_at(const json::object& object, std::string_view name) noexcept {
  const json::value* found = object.if_contains(name);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

/// The strings of an array; nullopt when it is something else.
std::optional<std::vector<std::string>> texts_of(const json::value& value) {
  const json::array* array = value.if_array();
  if (array == nullptr) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const json::value& item : *array) {
    const json::string* text = item.if_string();
    if (text == nullptr) {
      return std::nullopt;
    }
    texts.emplace_back(text->data(), text->size());
  }
  return texts;
}

BigNumber number_of(std::string_view text) {
  const auto bytes = decode_base64url(text);
  if (!bytes || bytes->empty() || bytes->size() > max_modulus_bits / 8 + 1) {
    return nullptr;
  }
  return BigNumber(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes->data()), static_cast<int>(bytes->size()), nullptr));
}

/// Whether the numbers are those of a key that is long enough, and not so long that checking a signature takes long.
bool is_sound(const BIGNUM* modulus, const BIGNUM* exponent) noexcept {
  const int bits = BN_num_bits(modulus);
  return bits >= min_modulus_bits && bits <= max_modulus_bits && BN_is_odd(modulus) != 0 &&
         BN_num_bits(exponent) <= max_exponent_bits && BN_is_odd(exponent) != 0 && BN_is_one(exponent) == 0;
}

std::shared_ptr<EVP_PKEY> rsa_key(const BIGNUM* modulus, const BIGNUM* exponent) {
  using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
  using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
  using Context = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
  const NoErrorsLeft errors;
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
    return nullptr;
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {made, Freed<EVP_PKEY_free>()};
}

/// Whether the key is for RSA signatures, by what the document says.
bool is_for_signatures(const json::object& key) {
  const json::string* type = text_at(key, "kty");
  if (type == nullptr || *type != "RSA") {
    return false;
  }
  const json::value* use = key.if_contains("use");
  if (use != nullptr && *use != json::value("sig")) {
    return false;
  }
  const json::value* listed = member_at(key, "key_ops");
  if (listed == nullptr) {
    return true;
  }
  const auto operations = texts_of(*listed);
  return operations &&
         (operations->empty() || std::find(operations->begin(), operations->end(), "verify") != operations->end());
}

/// Whether the key is of this tenant. Microsoft's keys name their issuer, with a placeholder when it is any tenant.
/// Source: Microsoft identity platform, "Access tokens", "Validate the signing key issuer".
bool is_of_tenant(const json::object& key, std::string_view tenant) noexcept {
  const json::string* issuer = text_at(key, "issuer");
  if (tenant.empty() || issuer == nullptr) {
    return true;
  }
  const std::string_view text = *issuer;
  return text.find("{tenantid}") != std::string_view::npos || text.find(tenant) != std::string_view::npos;
}

/// What the key may be used with; empty for nothing.
Algorithms algorithms_of(const json::object& key, Algorithms allowed) noexcept {
  const json::value* named = key.if_contains("alg");
  if (named == nullptr) {
    return allowed;
  }
  Algorithms algorithms;
  const json::string* name = named->if_string();
  const auto algorithm = name != nullptr ? algorithm_of(*name) : std::nullopt;
  if (algorithm && allowed.contains(*algorithm)) {
    algorithms.add(*algorithm);
  }
  return algorithms;
}

const EVP_MD* digest_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::rs256:
      return EVP_sha256();
    case Algorithm::rs384:
      return EVP_sha384();
    case Algorithm::rs512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<SigningKey> SigningKey::make(const json::object& key, const KeyUse& use) {
  const json::string* id = text_at(key, "kid");
  const json::string* modulus = text_at(key, "n");
  const json::string* exponent = text_at(key, "e");
  const json::value* endorsed = member_at(key, "endorsements");
  auto endorsements = endorsed != nullptr ? texts_of(*endorsed) : std::nullopt;
  const Algorithms algorithms = algorithms_of(key, use.algorithms);
  if (id == nullptr || id->empty() || modulus == nullptr || exponent == nullptr ||
      (endorsed != nullptr && !endorsements) || algorithms.empty() || !is_for_signatures(key) ||
      !is_of_tenant(key, use.tenant)) {
    return nullptr;
  }
  const BigNumber n = number_of(*modulus);
  const BigNumber e = number_of(*exponent);
  if (!n || !e || !is_sound(n.get(), e.get())) {
    return nullptr;
  }
  auto rsa = rsa_key(n.get(), e.get());
  if (!rsa) {
    return nullptr;
  }
  std::shared_ptr<SigningKey> made(new SigningKey());
  made->id_.assign(id->data(), id->size());
  made->modulus_.assign(modulus->data(), modulus->size());
  made->exponent_.assign(exponent->data(), exponent->size());
  made->endorsements_ = std::move(endorsements);
  made->algorithms_ = algorithms;
  made->size_ = static_cast<std::size_t>(BN_num_bytes(n.get()));
  made->key_ = std::move(rsa);
  return made;
}

bool SigningKey::is_endorsed_for(std::string_view channel) const noexcept {
  return std::find(endorsements_->begin(), endorsements_->end(), channel) != endorsements_->end();
}

bool SigningKey::verify(Algorithm algorithm, std::string_view text, std::string_view signature) const {
  if (!allows(algorithm) || signature.size() != size_) {
    return false;
  }
  const NoErrorsLeft errors;
  const Digesting digesting(EVP_MD_CTX_new());
  if (!digesting) {
    throw std::bad_alloc();
  }
  return EVP_DigestVerifyInit(digesting.get(), nullptr, digest_of(algorithm), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(digesting.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

boost::system::result<KeySet, TokenError> KeySet::parse(std::string_view document, const KeyUse& use) {
  const auto value = parse_json(document);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::value* member = object != nullptr ? object->if_contains("keys") : nullptr;
  const json::array* keys = member != nullptr ? member->if_array() : nullptr;
  if (keys == nullptr) {
    return TokenError{"is no JSON Web Key Set"};
  }
  KeySet set;
  for (std::size_t i = 0; i < std::min(keys->size(), max_keys); ++i) {
    const json::object* key = (*keys)[i].if_object();
    if (std::shared_ptr<const SigningKey> made = key != nullptr ? SigningKey::make(*key, use) : nullptr) {
      set.keys_.try_emplace(made->id(), made);
    }
  }
  if (set.keys_.empty()) {
    return TokenError{"has no key for RSA signatures"};
  }
  return set;
}

std::shared_ptr<const SigningKey> KeySet::find(std::string_view key_id) const {
  const auto found = keys_.find(key_id);
  return found != keys_.end() ? found->second : nullptr;
}

void KeySet::replace(const KeySet& old) {
  for (const auto& [id, key] : old.keys_) {
    const auto found = keys_.find(id);
    if (found != keys_.end() && found->second->modulus_ == key->modulus_ &&
        found->second->exponent_ == key->exponent_ && found->second->endorsements_ == key->endorsements_ &&
        found->second->algorithms_ == key->algorithms_) {
      found->second = key;
    } else {
      key->withdrawn_.store(true, std::memory_order_relaxed);
    }
  }
}

}  // namespace tern::auth
