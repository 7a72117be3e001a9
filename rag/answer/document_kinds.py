"""What documents are called by what they are for: invoices, contracts, in several languages."""

from __future__ import annotations

from rag.text.words import fold, words

# Each line holds the words that a document of one kind is called by, singular and plural, folded.
_KINDS = """
invoice invoices bill bills rechnung rechnungen facture factures factura facturas 发票
contract contracts agreement agreements vertrag vertrage vertragen contrat contrats contrato contratos 合同
report reports bericht berichte berichten rapport rapports informe informes 报告
email emails mail mails correo correos courriel courriels 邮件
letter letters brief briefe briefen lettre lettres carta cartas
minute minutes meeting meetings protokoll protokolle protokollen acta actas 会议记录
policy policies richtlinie richtlinien politique politiques politica politicas 政策
manual manuals handbuch handbucher handbuchern manuel manuels manuales 手册
incident incidents vorfall vorfalle vorfallen
claim claims reklamation reklamationen reclamation reclamations reclamacion reclamaciones
offer offers quote quotes angebot angebote angeboten devis oferta ofertas
order orders bestellung bestellungen commande commandes pedido pedidos 订单
receipt receipts quittung quittungen recu recus recibo recibos
lease leases mietvertrag mietvertrage bail baux
certificate certificates zertifikat zertifikate certificat certificats certificado certificados
"""
_NAMES = [frozenset(line.split()) for line in _KINDS.strip().splitlines()]
KIND = (
    "(?:" + "|".join(sorted({name for names in _NAMES for name in names} | {"e-mails?"}, reverse=True)) + ")"
)
"""A pattern for any of them, in folded text."""


def called(noun: str, *names: str) -> bool:
    """Whether a path, title or heading calls its document by this noun, in any of its words."""
    wanted = next((kind for kind in _NAMES if fold(noun).replace("-", "") in kind), frozenset({fold(noun)}))
    text = "\n".join(names)
    if any(not name.isascii() and name in fold(text) for name in wanted):
        return True
    ends_in_eml = "email" in wanted and text.split("\n")[0].endswith((".eml", ".mbox", ".msg"))
    return ends_in_eml or not wanted.isdisjoint(words(text.replace("_", " ")))
